;; Sends whole messages to a peer that takes one now and then, without waiting and without end.
(module
  (import "munal:channel/peer" "send"
    (func $send (param $bytes i32) (param $length i32) (param $handles i32) (param $count i32) (param $timeout i64) (result i32)))
  (memory (export "memory") 1 1)
  (func (export "_start")
    (loop $again
      (drop (call $send (i32.const 0) (i32.const 16384) (i32.const 0) (i32.const 0) (i64.const 0)))
      (br $again))))
