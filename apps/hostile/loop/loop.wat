;; An endless loop: only the timer can take the processor from it.
(module
  (memory (export "memory") 1 1)
  (func (export "_start") (loop $for_ever (br $for_ever))))
