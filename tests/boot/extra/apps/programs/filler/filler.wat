;; Grows its memory as far as it may, then fills it and copies its halves over each other, for ever.
(module
  (memory (export "memory") 1)

  (func $grow_to_the_limit
    (local $step i32)
    (local.set $step (i32.const 32768))         ;; pages of 64 KiB: half of what can be addressed
    (loop $smaller
      (loop $again (br_if $again (i32.ne (memory.grow (local.get $step)) (i32.const -1))))
      (local.set $step (i32.shr_u (local.get $step) (i32.const 1)))
      (br_if $smaller (local.get $step))))

  (func (export "_start")
    (local $half i32)
    (call $grow_to_the_limit)
    (local.set $half (i32.shl (i32.shr_u (memory.size) (i32.const 1)) (i32.const 16)))
    (loop $for_ever
      (memory.fill (i32.const 0) (i32.const 0xa5) (i32.shl (local.get $half) (i32.const 1)))
      (memory.copy (i32.const 0) (local.get $half) (local.get $half))
      (memory.copy (i32.const 4096) (i32.const 0) (local.get $half))
      (br $for_ever))))
