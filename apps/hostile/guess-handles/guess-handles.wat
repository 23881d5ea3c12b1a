;; Asks what a handle is, reads, writes, duplicates, sends on and closes it, by numbers that it draws from all of 2^31, those of
;; its own left out. One that did anything would have ended it with success.
(module
  (import "munal:clock/time" "now" (func $now (result i64)))
  (import "munal:handle" "what" (func $what (param $handle i32) (result i32)))
  (import "munal:handle" "close" (func $close (param $handle i32) (result i32)))
  (import "munal:handle" "duplicate" (func $duplicate (param $handle i32) (param $rights i32) (result i32)))
  (import "munal:handle" "stream_try_read" (func $read (param $handle i32) (param $buffer i32) (param $length i32) (result i32)))
  (import "munal:handle" "stream_try_write" (func $write (param $handle i32) (param $bytes i32) (param $length i32) (result i32)))
  (import "munal:channel/peer" "send"
    (func $send (param $bytes i32) (param $length i32) (param $handles i32) (param $count i32) (param $timeout i64) (result i32)))
  (memory (export "memory") 1 1)
  (global $drawn (mut i64) (i64.const 0))
  (global $own i32 (i32.const 16))              ;; numbers below may be its own

  ;; The next number (xorshift64, Marsaglia 2003).
  (func $draw (result i32)
    (global.set $drawn (i64.xor (global.get $drawn) (i64.shl (global.get $drawn) (i64.const 13))))
    (global.set $drawn (i64.xor (global.get $drawn) (i64.shr_u (global.get $drawn) (i64.const 7))))
    (global.set $drawn (i64.xor (global.get $drawn) (i64.shl (global.get $drawn) (i64.const 17))))
    (i32.wrap_i64 (global.get $drawn)))

  ;; Whether any function takes the handle.
  (func $taken (param $handle i32) (result i32)
    (i32.store (i32.const 8) (local.get $handle))
    (i32.or (i32.ge_s (call $what (local.get $handle)) (i32.const 0))
    (i32.or (i32.ge_s (call $read (local.get $handle) (i32.const 0) (i32.const 8)) (i32.const 0))
    (i32.or (i32.ge_s (call $write (local.get $handle) (i32.const 0) (i32.const 8)) (i32.const 0))
    (i32.or (i32.ge_s (call $send (i32.const 0) (i32.const 8) (i32.const 8) (i32.const 1) (i64.const 0)) (i32.const 0))
    (i32.or (i32.ge_s (call $duplicate (local.get $handle) (i32.const 0)) (i32.const 0))
            (i32.ge_s (call $close (local.get $handle)) (i32.const 0))))))))

  (func (export "_start")
    (global.set $drawn (i64.or (call $now) (i64.const 1)))
    (loop $again
      (br_if $again (i32.eqz (call $taken
        (i32.or (i32.and (call $draw) (i32.const 0x40000000))   ;; those made or received have this bit
          (i32.add (global.get $own) (i32.shr_u (i32.and (call $draw) (i32.const 0x3fffffef)) (i32.and (call $draw) (i32.const 31)))))))))))
