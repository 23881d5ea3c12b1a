;; Reads the clock for ten periods of 50 ms. Two readings that lie more than 0.2 ms apart mean that it did not run in between.
(module
  (import "munal:clock/time" "now" (func $now (result i64)))
  (import "munal:sip" "exit" (func $exit (param $code i32)))
  (memory (export "memory") 1 1)

  (global $length i64 (i64.const 500000000))
  (global $gap i64 (i64.const 200000))

  (func (export "_start")
    (local $begin i64)
    (local $before i64)
    (local $now i64)
    (local $had i64)
    (local.set $begin (call $now))
    (local.set $before (local.get $begin))
    (loop $next
      (local.set $now (call $now))
      (if (i64.lt_u (i64.sub (local.get $now) (local.get $before)) (global.get $gap))
        (then (local.set $had (i64.add (local.get $had) (i64.sub (local.get $now) (local.get $before))))))
      (local.set $before (local.get $now))
      (br_if $next (i64.lt_u (i64.sub (local.get $now) (local.get $begin)) (global.get $length))))
    (call $exit (i32.wrap_i64 (i64.div_u (i64.mul (local.get $had) (i64.const 1000)) (global.get $length))))))
