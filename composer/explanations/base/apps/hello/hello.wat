(module
  (import "munal:stream/console" "write" (func $write (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "hello\n")
  (func (export "_start")
    (drop (call $write (i32.const 0) (i32.const 6)))))
