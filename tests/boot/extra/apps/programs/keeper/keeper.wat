;; Keeps 200 deadlines, 1.1 ms apart and more, and leaves with 1 and how often it was late by a millisecond or more; with 1,000
;; where it was ever early.
(module
  (import "munal:clock/time" "now" (func $now (result i64)))
  (import "munal:clock/time" "sleep" (func $sleep (param $deadline i64)))
  (import "munal:sip" "exit" (func $exit (param $code i32)))

  (memory (export "memory") 1 1)

  (global $first i64 (i64.const 900000000))     ;; nanoseconds until all others have started and the urgent have ended
  (global $apart i64 (i64.const 1100000))       ;; nanoseconds from one deadline to the next, and a little more each time
  (global $rounds i64 (i64.const 200))
  (global $limit i64 (i64.const 1000000))       ;; from here on it is late
  (global $early i32 (i32.const 1000))

  (func (export "_start")
    (local $round i64)
    (local $deadline i64)
    (local $late i64)
    (local $missed i32)
    (local.set $deadline (i64.add (call $now) (global.get $first)))
    (call $sleep (local.get $deadline))
    (loop $next
      (local.set $deadline (i64.add (call $now) (i64.add (global.get $apart) (i64.mul (local.get $round) (i64.const 7919)))))
      (call $sleep (local.get $deadline))
      (local.set $late (i64.sub (call $now) (local.get $deadline)))
      (if (i64.lt_s (local.get $late) (i64.const 0)) (then (call $exit (global.get $early))))
      (local.set $missed (i32.add (local.get $missed) (i64.ge_s (local.get $late) (global.get $limit))))
      (local.set $round (i64.add (local.get $round) (i64.const 1)))
      (br_if $next (i64.lt_s (local.get $round) (global.get $rounds))))
    (call $exit (i32.add (i32.const 1) (local.get $missed)))))
