;; Each list names one handle of its own 1,024 times, then once more; none is ever ready.
(module
  (import "munal:service-server/never" "handle" (func $handle (result i32)))
  (import "munal:sip" "wait" (func $wait (param $polls i32) (param $length i32) (param $timeout i64) (result i32)))
  (memory (export "memory") 1 1)
  (func $fill
    (local $at i32)
    (loop $next
      (i32.store (local.get $at) (call $handle))
      (i32.store16 offset=4 (local.get $at) (i32.const 1))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const 8200)))))
  (func (export "_start")
    (call $fill)
    (loop $again
      (drop (call $wait (i32.const 0) (i32.const 8192) (i64.const 1)))
      (drop (call $wait (i32.const 0) (i32.const 8200) (i64.const 1)))
      (br $again))))
