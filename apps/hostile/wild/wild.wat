;; Each life takes another address that is none of its own; the last addresses that code can name are 2^32 - 1 with an offset
;; of 2^32 - 1. A write that is not stopped would have won.
(module
  (import "munal:clock/time" "now" (func $now (result i64)))
  (memory (export "memory") 1 1)
  (func (export "_start")
    (block $furthest (block $guard (block $reserved (block $straddles
      (br_table $straddles $reserved $guard $furthest (i32.and (i32.wrap_i64 (i64.shr_u (call $now) (i64.const 10))) (i32.const 3))))
      (i64.store (i32.const 65529) (i64.const -1)) (return))
      (i64.store (i32.const 65536) (i64.const -1)) (return))
      (i64.store offset=33554431 (i32.const -1) (i64.const -1)) (return))
    (i64.store offset=4294967295 (i32.const -1) (i64.const -1))))
