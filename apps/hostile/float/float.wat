;; What it leaves in registers must never be seen by others: signalling NaNs, denormals and infinities, in a tight loop.
(module
  (memory (export "memory") 1 1)
  (func (export "_start")
    (local $nan v128) (local $small v128) (local $large v128) (local $sum v128)
    (local.set $nan (v128.const i32x4 0x7f800001 0xff800001 0x7fc00000 0x7fffffff))
    (local.set $small (v128.const i64x2 0x0000000000000001 0x800fffffffffffff))
    (local.set $large (v128.const f64x2 inf -0x1.fffffffffffffp1023))
    (loop $again
      (local.set $sum (f64x2.mul (f64x2.add (local.get $sum) (local.get $small)) (local.get $large)))
      (local.set $nan (f32x4.add (f32x4.sqrt (local.get $nan)) (local.get $sum)))
      (local.set $small (f64x2.div (local.get $small) (v128.const f64x2 1 -1)))
      (br $again))))
