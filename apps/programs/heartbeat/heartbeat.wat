;; Logs `beat N, next in S s` at growing intervals: 1, 2, 4, ... seconds, an hour at most. It sleeps in between.
(module
  (import "munal:clock/time" "now" (func $now (result i64)))
  (import "munal:clock/time" "sleep" (func $sleep (param $deadline i64)))
  (import "munal:log/log" "write" (func $log (param $text i32) (param $length i32)))

  (memory (export "memory") 1 1)
  (data (i32.const 0) "beat ")
  (data (i32.const 8) ", next in ")
  (data (i32.const 24) " s")

  (global $line i32 (i32.const 64))             ;; where the line is put together
  (global $end (mut i32) (i32.const 64))        ;; the address after its last byte
  (global $longest i64 (i64.const 3600))        ;; seconds
  (global $second i64 (i64.const 1000000000))   ;; nanoseconds

  (func $put_text (param $text i32) (param $length i32)
    (memory.copy (global.get $end) (local.get $text) (local.get $length))
    (global.set $end (i32.add (global.get $end) (local.get $length))))

  ;; Puts a number in decimal: first what is before its last digit, then that digit.
  (func $put_number (param $value i64)
    (if (i64.ge_u (local.get $value) (i64.const 10))
      (then (call $put_number (i64.div_u (local.get $value) (i64.const 10)))))
    (i64.store8 (global.get $end)
      (i64.add (i64.const 48) (i64.rem_u (local.get $value) (i64.const 10))))     ;; 48 is the digit 0
    (global.set $end (i32.add (global.get $end) (i32.const 1))))

  (func $tell (param $beat i64) (param $seconds i64)
    (global.set $end (global.get $line))
    (call $put_text (i32.const 0) (i32.const 5))
    (call $put_number (local.get $beat))
    (call $put_text (i32.const 8) (i32.const 10))
    (call $put_number (local.get $seconds))
    (call $put_text (i32.const 24) (i32.const 2))
    (call $log (global.get $line) (i32.sub (global.get $end) (global.get $line))))

  (func $twice_up_to_longest (param $seconds i64) (result i64)
    (local $twice i64)
    (local.set $twice (i64.mul (local.get $seconds) (i64.const 2)))
    (select (local.get $twice) (global.get $longest) (i64.lt_u (local.get $twice) (global.get $longest))))

  (func (export "_start")
    (local $beat i64)
    (local $seconds i64)
    (local $deadline i64)
    (local.set $seconds (i64.const 1))
    (local.set $deadline (call $now))
    (loop $forever
      (local.set $beat (i64.add (local.get $beat) (i64.const 1)))
      (call $tell (local.get $beat) (local.get $seconds))
      (local.set $deadline
        (i64.add (local.get $deadline) (i64.mul (local.get $seconds) (global.get $second))))
      (call $sleep (local.get $deadline))
      (local.set $seconds (call $twice_up_to_longest (local.get $seconds)))
      (br $forever))))
