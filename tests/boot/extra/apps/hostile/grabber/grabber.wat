;; Each life tries one way to have a display take a picture from memory that is not this program's. Which one is next, it keeps in bytes
;; of a table that mean nothing to a device at rest: a table without addresses outlives it. To come through a try, or to have no
;; device, is success. Requests are in table 8, the one with addresses in table 9.
(module
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

  ;; Writes a word of a table.
  (func $word (param $table i32) (param $offset i32) (param $word i32)
    (i32.store (i32.const 16) (local.get $word))
    (drop (call $write_table (local.get $table) (local.get $offset) (i32.const 16) (i32.const 4))))

  ;; Writes the first address of a picture's memory, and how long it is.
  (func $memory_of (param $address i64) (param $length i32)
    (i64.store (i32.const 16) (local.get $address))
    (i32.store (i32.const 24) (local.get $length))
    (drop (call $write_table (i32.const 9) (i32.const 32) (i32.const 16) (i32.const 12))))

  (func (export "_start") (local $try i32)
    (drop (call $read_table (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 2)))
    (local.set $try (i32.load16_u (i32.const 0)))
    (i32.store16 (i32.const 0) (i32.add (local.get $try) (i32.const 1)))
    (drop (call $write_table (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 2)))
    ;; 0: the request with addresses, where nobody looks for any
    (if (i32.eq (local.get $try) (i32.const 0)) (then (call $word (i32.const 8) (i32.const 0) (i32.const 0x0106))))
    ;; 1: another request that has some, too
    (if (i32.eq (local.get $try) (i32.const 1)) (then (call $word (i32.const 8) (i32.const 64) (i32.const 0x010c))))
    ;; 2: half of what request it is
    (if (i32.eq (local.get $try) (i32.const 2)) (then (drop (call $write_table (i32.const 8) (i32.const 0) (i32.const 16) (i32.const 2)))))
    ;; 3: another request where addresses are
    (if (i32.eq (local.get $try) (i32.const 3)) (then (call $word (i32.const 9) (i32.const 0) (i32.const 0x0105))))
    ;; 4: more addresses than there is room for
    (if (i32.eq (local.get $try) (i32.const 4)) (then (call $word (i32.const 9) (i32.const 28) (i32.const 2251))))
    ;; 5: a picture past its memory's end
    (if (i32.eq (local.get $try) (i32.const 5)) (then (call $memory_of (i64.const 0xfffff000) (i32.const 4096))))
    ;; 6: a picture that leaves its memory
    (if (i32.eq (local.get $try) (i32.const 6)) (then (call $memory_of (i64.const 0xf000) (i32.const 4097))))
    ;; 7: a picture of its requests
    (if (i32.eq (local.get $try) (i32.const 7)) (then (call $memory_of (i64.const 0x9_0000_0000) (i32.const 64))))
    ;; 8: a longer picture where a shorter one was
    (if (i32.eq (local.get $try) (i32.const 8)) (then (call $word (i32.const 9) (i32.const 40) (i32.const 4096))))
    ;; 9: a request in its own memory
    (if (i32.eq (local.get $try) (i32.const 9)) (then (call $describe (i64.const 0) (i32.const 64) (i32.const 0))))
    ;; 10: requests that the device writes
    (if (i32.eq (local.get $try) (i32.const 10)) (then (call $describe (i64.const 0x9_0000_0000) (i32.const 64) (i32.const 2))))
    ;; 11: the end of one request and the beginning of the next
    (if (i32.eq (local.get $try) (i32.const 11)) (then (call $describe (i64.const 0x9_0000_0020) (i32.const 64) (i32.const 0))))
    ;; 12: addresses without what request it is
    (if (i32.eq (local.get $try) (i32.const 12)) (then (call $describe (i64.const 0xa_0000_0020) (i32.const 16) (i32.const 0))))
    ;; 13: some of the addresses
    (if (i32.eq (local.get $try) (i32.const 13)) (then (call $describe (i64.const 0xa_0000_0000) (i32.const 64) (i32.const 0))))))
