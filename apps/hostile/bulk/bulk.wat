;; Two instructions that each touch megabytes: whoever preempts between instructions alone waits for both.
(module
  (memory (export "memory") 512 512)            ;; 32 MiB
  (func (export "_start")
    (loop $again
      (memory.fill (i32.const 0) (i32.const 0xa5) (i32.const 33554432))
      (memory.copy (i32.const 1) (i32.const 0) (i32.const 33554431))
      (br $again))))
