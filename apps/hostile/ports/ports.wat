;; Reads its one port, then goes on to the next ones. At the end of all 65,536 it would have won.
(module
  (import "munal:port/regs" "read8" (func $read (param $offset i32) (result i32)))
  (memory (export "memory") 1 1)
  (func (export "_start")
    (loop $on
      (drop (call $read (i32.load (i32.const 0))))
      (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
      (br_if $on (i32.lt_u (i32.load (i32.const 0)) (i32.const 65536))))))
