;; In each life another wrong call: past the table's end, an empty element, a function of another type.
(module
  (import "munal:clock/time" "now" (func $now (result i64)))
  (type $plain (func))
  (type $other (func (param i64) (result i64)))
  (memory (export "memory") 1 1)
  (table 4 4 funcref)
  (elem (i32.const 0) $own)
  (func $own (type $other) (local.get 0))
  (func (export "_start")
    (block $type (block $empty (block $past
      (br_table $past $empty $type (i32.rem_u (i32.wrap_i64 (i64.shr_u (call $now) (i64.const 10))) (i32.const 3))))
      (call_indirect (type $plain) (i32.const 0x7fffffff)) (return))
      (call_indirect (type $plain) (i32.const 2)) (return))
    (call_indirect (type $plain) (i32.const 0))))
