;; Waits for handles whose numbers it draws from all of 2^32, those of its own left out. One that exists would have ended it
;; with success.
(module
  (import "munal:clock/time" "now" (func $now (result i64)))
  (import "munal:sip" "wait" (func $wait (param $polls i32) (param $length i32) (param $timeout i64) (result i32)))
  (memory (export "memory") 1 1)
  (global $drawn (mut i64) (i64.const 0))
  (global $own i32 (i32.const 16))              ;; numbers below may be its own
  (global $any i32 (i32.const 7))               ;; each event

  ;; The next number (xorshift64, Marsaglia 2003).
  (func $draw (result i32)
    (global.set $drawn (i64.xor (global.get $drawn) (i64.shl (global.get $drawn) (i64.const 13))))
    (global.set $drawn (i64.xor (global.get $drawn) (i64.shr_u (global.get $drawn) (i64.const 7))))
    (global.set $drawn (i64.xor (global.get $drawn) (i64.shl (global.get $drawn) (i64.const 17))))
    (i32.wrap_i64 (global.get $drawn)))

  ;; Few guesses in a row are small: handles are numbered from 0.
  (func $guess (result i32)
    (local $number i32)
    (local.set $number (call $draw))
    (i32.add (global.get $own)
      (i32.shr_u (local.get $number) (i32.and (call $draw) (i32.const 31)))))

  (func (export "_start")
    (global.set $drawn (i64.or (call $now) (i64.const 1)))
    (loop $again
      (i32.store (i32.const 0) (call $guess))
      (i32.store16 (i32.const 4) (global.get $any))
      (br_if $again (i32.lt_s (call $wait (i32.const 0) (i32.const 8) (i64.const 0)) (i32.const 1))))))
