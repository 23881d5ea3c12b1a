;; Each life tries one way to have the controller reach memory that is not this program's, or to harm its disk for good. Before that it
;; looks at what nobody has written yet: where a port or a command leads nowhere, or a try comes through, it ends with success.
(module
  (import "munal:device/card" "present" (func $present (result i32)))
  (import "munal:device/card" "read64" (func $read64 (param $region i32) (param $offset i32) (result i64)))
  (import "munal:device/card" "write32" (func $write32 (param $region i32) (param $offset i32) (param $value i32)))
  (import "munal:device/card" "write64" (func $write64 (param $region i32) (param $offset i32) (param $value i64)))
  (import "munal:device/card" "write_table"
    (func $write_table (param $table i32) (param $offset i32) (param $bytes i32) (param $length i32) (result i32)))
  (import "munal:device/card" "read_table"
    (func $read_table (param $table i32) (param $offset i32) (param $buffer i32) (param $length i32) (result i32)))
  (import "munal:service/lives" "call" (func $call (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1 1)

  ;; Whether each port has its list and its area, and each header its command's table, before anybody wrote them.
  (func $lead (result i32) (local $at i32)
    (local.set $at (i32.const 0x100))
    (loop $ports
      (if (i64.eqz (call $read64 (i32.const 0) (local.get $at))) (then (return (i32.const 0))))
      (if (i64.eqz (call $read64 (i32.const 0) (i32.add (local.get $at) (i32.const 8)))) (then (return (i32.const 0))))
      (br_if $ports (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 0x80))) (i32.const 0x400))))
    (if (i32.lt_s (call $read_table (i32.const 0) (i32.const 0) (i32.const 0x1000) (i32.const 1024)) (i32.const 1024)) (then (return (i32.const 0))))
    (local.set $at (i32.const 0x1008))
    (loop $headers
      (if (i64.eqz (i64.load (local.get $at))) (then (return (i32.const 0))))
      (br_if $headers (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 32))) (i32.const 0x1400))))
    (i32.const 1))

  ;; Writes so many bytes of zeros.
  (func $table (param $table i32) (param $offset i32) (param $length i32)
    (drop (call $write_table (local.get $table) (local.get $offset) (i32.const 0x2000) (local.get $length))))

  ;; Writes the first command's header.
  (func $head (param $flags i32) (param $pieces i32) (param $table i64)
    (i32.store16 (i32.const 16) (local.get $flags))
    (i32.store16 (i32.const 18) (local.get $pieces))
    (i64.store (i32.const 24) (local.get $table))
    (drop (call $write_table (i32.const 0) (i32.const 0) (i32.const 16) (i32.const 16))))

  ;; Writes the first piece of what data is for.
  (func $piece (param $address i64) (param $length i32)
    (i64.store (i32.const 16) (local.get $address))
    (i32.store (i32.const 28) (local.get $length))
    (drop (call $write_table (i32.const 2) (i32.const 0x80) (i32.const 16) (i32.const 16))))

  ;; Writes what the disk is told.
  (func $order (param $table i32) (param $order i32)
    (i32.store (i32.const 16) (local.get $order))
    (drop (call $write_table (local.get $table) (i32.const 0) (i32.const 16) (i32.const 20))))

  (func (export "_start") (local $try i32)
    (if (i32.eqz (call $present)) (then (return)))
    (if (i32.eqz (call $lead)) (then (return)))
    (drop (call $call (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 4)))
    (local.set $try (i32.load (i32.const 0)))
    ;; 0: a list of commands in its own memory
    (if (i32.eq (local.get $try) (i32.const 0)) (then (call $write64 (i32.const 0) (i32.const 0x100) (i64.const 0))))
    ;; 1: a command's table for a list of commands, at another port
    (if (i32.eq (local.get $try) (i32.const 1)) (then (call $write64 (i32.const 0) (i32.const 0x180) (i64.const 0x3_0000_0000))))
    ;; 2: half of a list's address
    (if (i32.eq (local.get $try) (i32.const 2)) (then (call $write32 (i32.const 0) (i32.const 0x104) (i32.const 0))))
    ;; 3: what comes from the disk over its commands
    (if (i32.eq (local.get $try) (i32.const 3)) (then (call $write64 (i32.const 0) (i32.const 0x108) (i64.const 0x1_0000_0000))))
    ;; 4: what comes from the disk in its own memory
    (if (i32.eq (local.get $try) (i32.const 4)) (then (call $write64 (i32.const 0) (i32.const 0x388) (i64.const 0xff80))))
    ;; 5: another command than the first
    (if (i32.eq (local.get $try) (i32.const 5)) (then (call $write32 (i32.const 0) (i32.const 0x138) (i32.const 2))))
    ;; 6: a command that is queued
    (if (i32.eq (local.get $try) (i32.const 6)) (then (call $write32 (i32.const 0) (i32.const 0x134) (i32.const 1))))
    ;; 7: a reset that is not the kernel's
    (if (i32.eq (local.get $try) (i32.const 7)) (then (call $write32 (i32.const 0) (i32.const 0x04) (i32.const 0x80000001))))
    ;; 8: longer areas for what comes from disks
    (if (i32.eq (local.get $try) (i32.const 8)) (then (call $write32 (i32.const 0) (i32.const 0x140) (i32.const 1))))
    ;; 9: a register behind its region
    (if (i32.eq (local.get $try) (i32.const 9)) (then (call $write32 (i32.const 0) (i32.const 0x400) (i32.const 0))))
    ;; 10: a command's table in its own memory
    (if (i32.eq (local.get $try) (i32.const 10)) (then (call $head (i32.const 5) (i32.const 1) (i64.const 0x1000))))
    ;; 11: the list of commands for a command's table
    (if (i32.eq (local.get $try) (i32.const 11)) (then (call $head (i32.const 5) (i32.const 1) (i64.const 0x1_0000_0000))))
    ;; 12: a command's table from its midst on
    (if (i32.eq (local.get $try) (i32.const 12)) (then (call $head (i32.const 5) (i32.const 1) (i64.const 0x3_0000_0080))))
    ;; 13: more pieces than a command's table has
    (if (i32.eq (local.get $try) (i32.const 13)) (then (call $head (i32.const 5) (i32.const 65) (i64.const 0x3_0000_0000))))
    ;; 14: a packet for a CD
    (if (i32.eq (local.get $try) (i32.const 14)) (then (call $head (i32.const 0x25) (i32.const 1) (i64.const 0x3_0000_0000))))
    ;; 15: a longer command
    (if (i32.eq (local.get $try) (i32.const 15)) (then (call $head (i32.const 0x10) (i32.const 1) (i64.const 0x3_0000_0000))))
    ;; 16: half of a table's address
    (if (i32.eq (local.get $try) (i32.const 16)) (then (call $table (i32.const 0) (i32.const 0x0c) (i32.const 4))))
    ;; 17: data past its memory's end
    (if (i32.eq (local.get $try) (i32.const 17)) (then (call $piece (i64.const 0xfffff000) (i32.const 511))))
    ;; 18: data that leaves its memory by a byte
    (if (i32.eq (local.get $try) (i32.const 18)) (then (call $piece (i64.const 0xfff0) (i32.const 0x10))))
    ;; 19: data as long as there is any
    (if (i32.eq (local.get $try) (i32.const 19)) (then (call $piece (i64.const 0) (i32.const 0x3fffff))))
    ;; 20: data over a command
    (if (i32.eq (local.get $try) (i32.const 20)) (then (call $piece (i64.const 0x3_0000_0000) (i32.const 0x47f))))
    ;; 21: bits of a length that have no meaning
    (if (i32.eq (local.get $try) (i32.const 21)) (then (call $piece (i64.const 0) (i32.const 0x4001ff))))
    ;; 22: an address for a length that was there
    (if (i32.eq (local.get $try) (i32.const 22)) (then (call $table (i32.const 2) (i32.const 0x80) (i32.const 8))))
    ;; 23: a length for an address that was there
    (if (i32.eq (local.get $try) (i32.const 23)) (then (call $table (i32.const 2) (i32.const 0x8c) (i32.const 4))))
    ;; 24: pieces past the end of a command's table
    (if (i32.eq (local.get $try) (i32.const 24)) (then (call $table (i32.const 3) (i32.const 0x470) (i32.const 32))))
    ;; 25: other firmware for the disk
    (if (i32.eq (local.get $try) (i32.const 25)) (then (call $order (i32.const 2) (i32.const 0x928027))))
    ;; 26: a password for the disk
    (if (i32.eq (local.get $try) (i32.const 26)) (then (call $order (i32.const 3) (i32.const 0xf18027))))
    ;; 27: a command that moves data where none is for it
    (if (i32.eq (local.get $try) (i32.const 27)) (then (call $order (i32.const 3) (i32.const 0x258027))))
    ;; 28: a command of those that are queued
    (if (i32.eq (local.get $try) (i32.const 28)) (then (call $order (i32.const 2) (i32.const 0x608027))))
    ;; 29: another kind of message to the disk
    (if (i32.eq (local.get $try) (i32.const 29)) (then (call $order (i32.const 2) (i32.const 0x258041))))
    ;; 30: what came from the disk
    (if (i32.eq (local.get $try) (i32.const 30)) (then (call $table (i32.const 1) (i32.const 0) (i32.const 20))))))
