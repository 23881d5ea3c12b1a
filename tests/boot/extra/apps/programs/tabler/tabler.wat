;; Grows its table, then fills it and copies it over itself, for ever.
(module
  (memory (export "memory") 1 1)
  (table $table 1 funcref)
  (elem declare func $nothing)
  (func $nothing)
  (func (export "_start")
    (drop (table.grow $table (ref.null func) (i32.const 16000)))
    (loop $for_ever
      (table.fill $table (i32.const 0) (ref.func $nothing) (i32.const 16000))
      (table.copy $table $table (i32.const 1) (i32.const 0) (i32.const 15999))
      (drop (table.grow $table (ref.null func) (i32.const 100000000)))
      (br $for_ever))))
