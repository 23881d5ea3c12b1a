;; Writes whole pages to a peer that takes a byte now and then, without waiting and without end.
(module
  (import "munal:stream/peer" "try_write" (func $write (param $bytes i32) (param $length i32) (result i32)))
  (memory (export "memory") 1 1)
  (func (export "_start")
    (loop $again
      (drop (call $write (i32.const 0) (i32.const 65536)))
      (br $again))))
