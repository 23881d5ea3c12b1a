;; Reads the clock a thousand times, sleeps for a millisecond, and begins anew: the clock never shows less than it did before.
(module
  (import "munal:clock/time" "now" (func $now (result i64)))
  (import "munal:clock/time" "sleep" (func $sleep (param $deadline i64)))
  (import "munal:log/log" "write" (func $log (param $text i32) (param $length i32)))

  (memory (export "memory") 1 1)
  (data (i32.const 0) "forwards")
  (data (i32.const 8) "back")

  (global $last (mut i64) (i64.const 0))

  (func $look
    (local $time i64)
    (local.set $time (call $now))
    (if (i64.lt_u (local.get $time) (global.get $last))
      (then (call $log (i32.const 8) (i32.const 4))))
    (global.set $last (local.get $time)))

  (func $look_often
    (local $left i32)
    (local.set $left (i32.const 1000))
    (loop $again
      (call $look)
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $again (local.get $left))))

  (func (export "_start")
    (call $sleep (i64.const 0))                 ;; over long ago
    (call $look_often)
    (call $log (i32.const 0) (i32.const 8))
    (loop $forever
      (call $look_often)
      (call $sleep (i64.add (global.get $last) (i64.const 1000000)))
      (br $forever))))
