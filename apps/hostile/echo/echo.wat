;; The peer that hostile ones and their neighbour share.
(module
  (import "munal:service-server/echo" "receive" (func $receive (param $buffer i32) (param $most i32) (param $timeout i64) (result i32)))
  (import "munal:service-server/echo" "reply" (func $reply (param $bytes i32) (param $length i32) (result i32)))
  (memory (export "memory") 1 1)
  (func (export "_start")
    (local $length i32)
    (loop $again
      (local.set $length (call $receive (i32.const 0) (i32.const 4096) (i64.const -1)))
      (br_if $again (i32.lt_s (local.get $length) (i32.const 0)))
      (drop (call $reply (i32.const 0) (local.get $length)))      ;; an error: who asked has gone
      (br $again))))
