;; Calls the service with one byte, and is not to come back from there alive.
(module
  (import "munal:service/desk" "call" (func $call (param i32 i32 i32 i32) (result i32)))
  (import "munal:stream/back" "write" (func $write (param i32 i32) (result i32)))
  (import "munal:stream/back" "read" (func $read (param i32 i32) (result i32)))

  (memory (export "memory") 1 1)

  (func (export "_start")
    (drop (call $call (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1)))
    (drop (call $write (i32.const 0) (i32.const 1)))
    (drop (call $read (i32.const 0) (i32.const 1)))))
