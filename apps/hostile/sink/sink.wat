;; The slow peer of those who flood.
(module
  (import "munal:clock/time" "now" (func $now (result i64)))
  (import "munal:clock/time" "sleep" (func $sleep (param $deadline i64)))
  (import "munal:stream-server/drop" "count" (func $count (result i32)))
  (import "munal:stream-server/drop" "try_read" (func $read (param $connection i32) (param $buffer i32) (param $most i32) (result i32)))
  (import "munal:channel-server/pile" "count" (func $piles (result i32)))
  (import "munal:channel-server/pile" "receive"
    (func $receive (param $connection i32) (param $buffer i32) (param $most i32) (param $slots i32) (param $room i32) (param $timeout i64) (result i32)))
  (memory (export "memory") 1 1)
  (global $pause i64 (i64.const 10000000))      ;; nanoseconds
  (func (export "_start")
    (local $each i32)
    (loop $again
      (call $sleep (i64.add (call $now) (global.get $pause)))
      (local.set $each (i32.const 0))
      (block $all (loop $next
        (br_if $all (i32.ge_u (local.get $each) (call $count)))
        (drop (call $read (local.get $each) (i32.const 0) (i32.const 1)))
        (local.set $each (i32.add (local.get $each) (i32.const 1)))
        (br $next)))
      (local.set $each (i32.const 0))
      (block $all (loop $next
        (br_if $all (i32.ge_u (local.get $each) (call $piles)))
        (drop (call $receive (local.get $each) (i32.const 0) (i32.const 16384) (i32.const 0) (i32.const 0) (i64.const 0)))
        (local.set $each (i32.add (local.get $each) (i32.const 1)))
        (br $next)))
      (br $again))))
