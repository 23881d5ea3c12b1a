;; Reads offsets 0, 4, 8 from a counter in memory until it is stopped, and says before each turn that it goes on.
(module
  (import "munal:mmio/regs" "read32" (func $read (param $offset i32) (result i32)))
  (import "munal:log/log" "write" (func $log (param $text i32) (param $length i32)))

  (memory (export "memory") 1 1)
  (data (i32.const 0) "reading offset 0")
  (global $digit i32 (i32.const 15))

  (func (export "_start")
    (loop $on
      (call $log (i32.const 0) (i32.const 16))
      (drop (call $read (i32.sub (i32.load8_u (global.get $digit)) (i32.const 48))))       ;; 48 is the digit 0
      (i32.store8 (global.get $digit) (i32.add (i32.load8_u (global.get $digit)) (i32.const 4)))
      (br $on))))
