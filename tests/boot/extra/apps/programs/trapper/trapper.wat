;; One function a way to end, each called by $choose by its number, from port base 0x300 on.
(module
  (import "munal:port/way" "base" (func $way (result i32)))
  (import "munal:port/way" "read8" (func $read (param i32) (result i32)))
  (import "munal:log/log" "write" (func $log (param i32 i32)))
  (import "munal:sip" "exit" (func $exit (param i32)))
  (import "munal:sip" "wait" (func $wait (param i32 i32 i64) (result i32)))

  (memory (export "memory") 1 1)
  (type $plain (func))
  (type $other (func (param i32)))
  (table $ways 18 funcref)
  (elem (i32.const 0)
    $unreachable $load_past_the_end $store_past_the_end $divide_by_zero $overflow $signature $null $undefined
    $endless_recursion $fill_past_the_end $convert_nan $lend_past_the_end $guess_a_handle $leave_with_7 $leave_with_0 $port_past_the_end
    $unreachable $leave_with_0)
  (table $few 2 funcref)
  (elem (table $few) (i32.const 0) func $takes_one)

  (func $takes_one (param i32))
  (func $unreachable unreachable)
  (func $load_past_the_end (drop (i32.load offset=4096 (i32.const 65000))))
  (func $store_past_the_end (i64.store (i32.const -1) (i64.const 1)))
  (func $divide_by_zero (drop (i32.div_u (i32.const 1) (i32.sub (call $way) (i32.const 0x303)))))
  (func $overflow (drop (i32.div_s (i32.const 0x80000000) (i32.sub (i32.const 0x303) (call $way)))))
  (func $signature (call_indirect $few (type $plain) (i32.const 0)))
  (func $null (call_indirect $few (type $plain) (i32.const 1)))
  (func $undefined (call_indirect $few (type $plain) (i32.const 2)))
  (func $endless_recursion (call $deeper (i32.const 0)) (call $takes_one (i32.const 0)))
  (func $deeper (param $depth i32) (result)
    (call $deeper (i32.add (local.get $depth) (i32.const 1)))
    (call $takes_one (local.get $depth)))
  (func $fill_past_the_end (memory.fill (i32.const 0) (i32.const 1) (i32.const 65537)))
  (func $convert_nan (drop (i32.trunc_f32_s (f32.const nan))))
  (func $lend_past_the_end (call $log (i32.const 65535) (i32.const 2)))
  (func $guess_a_handle
    (i32.store (i32.const 0) (i32.const 1000000))
    (drop (call $wait (i32.const 0) (i32.const 8) (i64.const 0))))
  (func $leave_with_7 (call $exit (i32.const 7)))
  (func $leave_with_0 (call $exit (i32.const 0)))
  (func $port_past_the_end (drop (call $read (i32.add (i32.load (i32.const 16)) (i32.const 1))))  ;; computed: not refused before it runs
  )

  (func $choose (param $number i32)
    (call_indirect $ways (type $plain) (local.get $number)))

  (func $_start (export "_start")
    (call $choose (i32.sub (call $way) (i32.const 0x300)))))
