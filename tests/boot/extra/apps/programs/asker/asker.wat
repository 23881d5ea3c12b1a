;; Asks 60 times, a while apart, and leaves with 1 and how often an answer took five milliseconds or more.
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
    (local $missed i32)
    (call $sleep (i64.add (call $now) (i64.const 200000000)))
    (loop $next
      (call $sleep (i64.add (call $now) (i64.const 3100000)))
      (local.set $begin (call $now))
      (if (i32.ne (call $call (i32.const 0) (i32.const 64) (i32.const 64) (i32.const 64)) (i32.const 64)) (then unreachable))
      (local.set $took (i64.sub (call $now) (local.get $begin)))
      (local.set $missed (i32.add (local.get $missed) (i64.ge_s (local.get $took) (i64.const 5000000))))
      (local.set $round (i32.add (local.get $round) (i32.const 1)))
      (br_if $next (i32.lt_s (local.get $round) (i32.const 60))))
    (call $exit (i32.add (i32.const 1) (local.get $missed)))))
