;; Asks 100 times, a while apart, and leaves with how long an answer took at worst, in microseconds.
(module
  (import "munal:clock/time" "now" (func $now (result i64)))
  (import "munal:clock/time" "sleep" (func $sleep (param $deadline i64)))
  (import "munal:service/question" "call" (func $call (param i32 i32 i32 i32) (result i32)))
  (import "munal:sip" "exit" (func $exit (param $code i32)))
  (memory (export "memory") 1 1)

  (func (export "_start")
    (local $round i32)
    (local $begin i64)
    (local $took i64)
    (local $worst i64)
    (call $sleep (i64.add (call $now) (i64.const 200000000)))
    (loop $next
      (call $sleep (i64.add (call $now) (i64.const 3100000)))
      (local.set $begin (call $now))
      (if (i32.ne (call $call (i32.const 0) (i32.const 64) (i32.const 64) (i32.const 64)) (i32.const 64)) (then unreachable))
      (local.set $took (i64.sub (call $now) (local.get $begin)))
      (if (i64.gt_s (local.get $took) (local.get $worst)) (then (local.set $worst (local.get $took))))
      (local.set $round (i32.add (local.get $round) (i32.const 1)))
      (br_if $next (i32.lt_s (local.get $round) (i32.const 100))))
    (call $exit (i32.wrap_i64 (i64.div_s (local.get $worst) (i64.const 1000))))))
