(module
  (import "munal:service-server/answer" "receive" (func $receive (param i32 i32 i64) (result i32)))
  (import "munal:service-server/answer" "reply" (func $reply (param i32 i32) (result i32)))
  (memory (export "memory") 1 1)

  (func $work
    (local $left i32)
    (local.set $left (i32.const 10000))
    (loop $more (br_if $more (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))

  (func (export "_start")
    (local $length i32)
    (loop $for_ever
      (local.set $length (call $receive (i32.const 0) (i32.const 64) (i64.const -1)))
      (call $work)
      (drop (call $reply (i32.const 0) (local.get $length)))
      (br $for_ever))))
