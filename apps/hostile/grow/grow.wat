;; Takes page after page, writes to each one, and goes on asking when it is given none. With 4 GiB in hand it would have won.
(module
  (memory (export "memory") 1)
  (func (export "_start")
    (local $before i32)
    (loop $more
      (local.set $before (memory.grow (i32.const 1)))
      (if (i32.ne (local.get $before) (i32.const -1))
        (then (i32.store (i32.mul (local.get $before) (i32.const 65536)) (i32.const 0x5a5a5a5a))))
      (br_if $more (i32.lt_u (memory.size) (i32.const 65536))))))
