;; Each life tries one way to have the device reach memory that is not this program's. Which one is next, it keeps in bytes of a table
;; that mean nothing to a device at rest: tables outlive it. To come through a try, or to have no device, is success.
(module
  (import "munal:device/card" "write16" (func $write16 (param $region i32) (param $offset i32) (param $value i32)))
  (import "munal:device/card" "write32" (func $write32 (param $region i32) (param $offset i32) (param $value i32)))
  (import "munal:device/card" "write64" (func $write64 (param $region i32) (param $offset i32) (param $value i64)))
  (import "munal:device/card" "write_table"
    (func $write_table (param $table i32) (param $offset i32) (param $bytes i32) (param $length i32) (result i32)))
  (import "munal:device/card" "read_table"
    (func $read_table (param $table i32) (param $offset i32) (param $buffer i32) (param $length i32) (result i32)))
  (memory (export "memory") 1 1)

  ;; Writes the first descriptor of queue 0.
  (func $describe (param $address i64) (param $length i32) (param $flags i32)
    (i64.store (i32.const 16) (local.get $address))
    (i32.store (i32.const 24) (local.get $length))
    (i32.store16 (i32.const 28) (local.get $flags))
    (drop (call $write_table (i32.const 0) (i32.const 0) (i32.const 16) (i32.const 16))))

  (func (export "_start") (local $try i32)
    (drop (call $read_table (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 2)))
    (local.set $try (i32.load16_u (i32.const 0)))
    (i32.store16 (i32.const 0) (i32.add (local.get $try) (i32.const 1)))
    (drop (call $write_table (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 2)))
    ;; 0: a descriptor past its memory's end
    (if (i32.eq (local.get $try) (i32.const 0)) (then (call $describe (i64.const 0xfffff000) (i32.const 16) (i32.const 2))))
    ;; 1: a descriptor that begins in its memory and leaves it
    (if (i32.eq (local.get $try) (i32.const 1)) (then (call $describe (i64.const 0xfff8) (i32.const 16) (i32.const 2))))
    ;; 2: a descriptor for all that there is
    (if (i32.eq (local.get $try) (i32.const 2)) (then (call $describe (i64.const 0) (i32.const -1) (i32.const 2))))
    ;; 3: its own descriptors, to be written by the device
    (if (i32.eq (local.get $try) (i32.const 3)) (then (call $describe (i64.const 0x1_0000_0000) (i32.const 16) (i32.const 2))))
    ;; 4: a table that the model does not have
    (if (i32.eq (local.get $try) (i32.const 4)) (then (call $describe (i64.const 0x64_0000_0000) (i32.const 16) (i32.const 2))))
    ;; 5: a descriptor of a table of descriptors
    (if (i32.eq (local.get $try) (i32.const 5)) (then (call $describe (i64.const 0) (i32.const 16) (i32.const 4))))
    ;; 6: another address for a length that was there
    (if (i32.eq (local.get $try) (i32.const 6)) (then (drop (call $write_table (i32.const 0) (i32.const 0) (i32.const 16) (i32.const 8)))))
    ;; 7: another length for an address that was there
    (if (i32.eq (local.get $try) (i32.const 7)) (then (drop (call $write_table (i32.const 0) (i32.const 8) (i32.const 16) (i32.const 4)))))
    ;; 8: another direction for both
    (if (i32.eq (local.get $try) (i32.const 8)) (then (drop (call $write_table (i32.const 0) (i32.const 12) (i32.const 16) (i32.const 2)))))
    ;; 9: a descriptor that follows past the table's end
    (if (i32.eq (local.get $try) (i32.const 9)) (then (i32.store16 (i32.const 30) (i32.const 256)) (call $describe (i64.const 0) (i32.const 16) (i32.const 3))))
    ;; 10: a descriptor past the table's end
    (if (i32.eq (local.get $try) (i32.const 10)) (then (drop (call $write_table (i32.const 0) (i32.const 4096) (i32.const 16) (i32.const 16)))))
    ;; 11: a request that begins past the table's end
    (if (i32.eq (local.get $try) (i32.const 11)) (then (i32.store16 (i32.const 16) (i32.const 256)) (drop (call $write_table (i32.const 4) (i32.const 4) (i32.const 16) (i32.const 2)))))
    ;; 12: descriptors in its own memory
    (if (i32.eq (local.get $try) (i32.const 12)) (then (call $write64 (i32.const 0) (i32.const 0x20) (i64.const 0))))
    ;; 13: what is available for descriptors
    (if (i32.eq (local.get $try) (i32.const 13)) (then (call $write64 (i32.const 0) (i32.const 0x20) (i64.const 0x5_0000_0000))))
    ;; 14: half of an address
    (if (i32.eq (local.get $try) (i32.const 14)) (then (call $write32 (i32.const 0) (i32.const 0x24) (i32.const 0))))
    ;; 15: what was used in the last bytes of its memory
    (if (i32.eq (local.get $try) (i32.const 15)) (then (call $write64 (i32.const 0) (i32.const 0x30) (i64.const 0xfff8))))
    ;; 16: a queue longer than its table
    (if (i32.eq (local.get $try) (i32.const 16)) (then (call $write16 (i32.const 0) (i32.const 0x18) (i32.const 512))))
    ;; 17: queues without descriptors of their own
    (if (i32.eq (local.get $try) (i32.const 17)) (then (call $write32 (i32.const 0) (i32.const 0x0c) (i32.const 0x4))))
    ;; 18: tables of descriptors agreed on
    (if (i32.eq (local.get $try) (i32.const 18)) (then (call $write32 (i32.const 0) (i32.const 0x0c) (i32.const 0x10000000))))
    ;; 19: a register behind its region
    (if (i32.eq (local.get $try) (i32.const 19)) (then (call $write16 (i32.const 1) (i32.const 0x40) (i32.const 0))))
    ;; 20: a region that the model does not have
    (if (i32.eq (local.get $try) (i32.const 20)) (then (call $write16 (i32.const 3) (i32.const 0) (i32.const 0))))))
