;; Rounds the same number for ever: most interrupts find the runtime's own function at work.
(module
  (memory (export "memory") 1 1)
  (global $value (mut f64) (f64.const 1.5))
  (func (export "_start")
    (loop $for_ever
      (global.set $value (f64.nearest (f64.ceil (f64.floor (f64.trunc (global.get $value))))))
      (br $for_ever))))
