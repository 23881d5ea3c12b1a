;; Counts.
(module
  (import "munal:service-server/count" "receive" (func $receive (param i32 i32 i64) (result i32)))
  (import "munal:service-server/count" "reply" (func $reply (param i32 i32) (result i32)))
  (memory (export "memory") 1 1)

  (func (export "_start")
    (loop $for_ever
      (drop (call $receive (i32.const 8) (i32.const 8) (i64.const -1)))
      (drop (call $reply (i32.const 0) (i32.const 4)))
      (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
      (br $for_ever))))
