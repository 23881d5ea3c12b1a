;; Reads its registers from the first one on and past the last one. With a page behind it, it would have won.
(module
  (import "munal:mmio/regs" "read32" (func $read (param $offset i32) (result i32)))
  (memory (export "memory") 1 1)
  (func (export "_start")
    (loop $on
      (drop (call $read (i32.load (i32.const 0))))
      (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 4)))
      (br_if $on (i32.lt_u (i32.load (i32.const 0)) (i32.const 4096))))))
