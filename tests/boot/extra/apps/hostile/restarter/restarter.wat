(module
  (import "munal:clock/time" "now" (func $now (result i64)))
  (import "munal:clock/time" "sleep" (func $sleep (param $deadline i64)))
  (import "munal:control/fuzz" "restart" (func $restart (param $name i32) (param $length i32) (result i32)))
  (memory (export "memory") 1 1)
  (data (i32.const 0) "fuzz")
  (func (export "_start")
    (loop $again
      (call $sleep (i64.add (call $now) (i64.const 20000000)))     ;; nanoseconds
      (drop (call $restart (i32.const 0) (i32.const 4)))
      (br $again))))
