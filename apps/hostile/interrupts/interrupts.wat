;; Lets its own line interrupt again and again, then waits for one handle after the other behind its own: where an interrupt
;; of somebody else's would be. At the end of them it would have won.
(module
  (import "munal:irq/line" "acknowledge" (func $acknowledge))
  (import "munal:irq/line" "handle" (func $handle (result i32)))
  (import "munal:sip" "wait" (func $wait (param $polls i32) (param $length i32) (param $timeout i64) (result i32)))
  (memory (export "memory") 1 1)
  (func (export "_start")
    (local $times i32)
    (loop $storm
      (call $acknowledge)
      (local.set $times (i32.add (local.get $times) (i32.const 1)))
      (br_if $storm (i32.lt_u (local.get $times) (i32.const 10000))))
    (i32.store (i32.const 0) (call $handle))
    (loop $next
      (i32.store16 (i32.const 4) (i32.const 1))                     ;; readable: it interrupted
      (drop (call $wait (i32.const 0) (i32.const 8) (i64.const 0)))
      (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
      (br_if $next (i32.lt_u (i32.load (i32.const 0)) (i32.const 65536))))))
