;; Two functions call each other through a table, with frames of two sizes.
(module
  (type $step (func (param i64) (result i64)))
  (memory (export "memory") 1 1)
  (table 2 2 funcref)
  (elem (i32.const 0) $small $large)
  (func $small (type $step)
    (i64.add (call_indirect (type $step) (local.get 0) (i32.const 1)) (i64.const 1)))
  (func $large (type $step)
    (local $a i64) (local $b i64) (local $c i64) (local $d i64)
    (local.set $a (i64.mul (local.get 0) (i64.const 3)))
    (local.set $b (i64.mul (local.get $a) (i64.const 5)))
    (local.set $c (i64.mul (local.get $b) (i64.const 7)))
    (local.set $d (i64.mul (local.get $c) (i64.const 11)))
    (i64.add
      (call_indirect (type $step) (local.get $d) (i32.const 0))
      (i64.add (i64.add (local.get $a) (local.get $b)) (i64.add (local.get $c) (local.get $d)))))
  (func (export "_start") (drop (call_indirect (type $step) (i64.const 1) (i32.const 0)))))
