;; Each life writes one register that it may not. Which one is next, it keeps in the register for liveness, which gives back each bit
;; inverted and outlives it. To come through a try, or to have no device, is success.
(module
  (import "munal:device/card" "read32" (func $read32 (param $region i32) (param $offset i32) (result i32)))
  (import "munal:device/card" "write32" (func $write32 (param $region i32) (param $offset i32) (param $value i32)))
  (import "munal:device/card" "write64" (func $write64 (param $region i32) (param $offset i32) (param $value i64)))
  (memory (export "memory") 1 1)

  (func (export "_start") (local $try i32)
    (local.set $try (call $read32 (i32.const 0) (i32.const 0x04)))
    (call $write32 (i32.const 0) (i32.const 0x04) (i32.xor (i32.add (local.get $try) (i32.const 1)) (i32.const -1)))
    ;; 0: where DMA takes from
    (if (i32.eq (local.get $try) (i32.const 0)) (then (call $write64 (i32.const 0) (i32.const 0x80) (i64.const 0x40000))))
    ;; 1: where DMA puts to
    (if (i32.eq (local.get $try) (i32.const 1)) (then (call $write32 (i32.const 0) (i32.const 0x88) (i32.const 0x10_0000))))
    ;; 2: how much DMA moves
    (if (i32.eq (local.get $try) (i32.const 2)) (then (call $write32 (i32.const 0) (i32.const 0x90) (i32.const 4))))
    ;; 3: that DMA is to begin
    (if (i32.eq (local.get $try) (i32.const 3)) (then (call $write32 (i32.const 0) (i32.const 0x98) (i32.const 3))))
    ;; 4: an interrupt of its own
    (if (i32.eq (local.get $try) (i32.const 4)) (then (call $write32 (i32.const 0) (i32.const 0x60) (i32.const 1))))
    ;; 5: a factorial that takes long
    (if (i32.eq (local.get $try) (i32.const 5)) (then (call $write32 (i32.const 0) (i32.const 0x08) (i32.const 13))))))
