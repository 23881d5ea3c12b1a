;; Takes a thousand elements at a time, and goes on asking when it is given none. With all 2^32 - 1 it would have won.
(module
  (memory (export "memory") 1 1)
  (table $many 1 funcref)
  (func (export "_start")
    (loop $more
      (drop (table.grow $many (ref.null func) (i32.const 1000)))
      (br_if $more (i32.lt_u (table.size $many) (i32.const -1000))))))
