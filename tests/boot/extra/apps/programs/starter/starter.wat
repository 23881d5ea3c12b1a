(module
  (import "munal:clock/time" "now" (func $now (result i64)))
  (import "munal:sip" "exit" (func $exit (param $code i32)))
  (memory (export "memory") 1 1)
  (func (export "_start")
    (call $exit (i32.wrap_i64 (i64.div_u (call $now) (i64.const 100000))))))
