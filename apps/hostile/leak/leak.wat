;; Duplicates the one handle that it has, with all of its rights, again and again, and sends what it has made last.
(module
  (import "munal:stream/peer" "handle" (func $handle (result i32)))
  (import "munal:handle" "duplicate" (func $duplicate (param $handle i32) (param $rights i32) (result i32)))
  (import "munal:channel/peer" "send"
    (func $send (param $bytes i32) (param $length i32) (param $handles i32) (param $count i32) (param $timeout i64) (result i32)))
  (memory (export "memory") 1 1)
  (global $write-and-share i32 (i32.const 6))
  (func (export "_start")
    (local $made i32)
    (loop $again
      (local.set $made (call $duplicate (call $handle) (global.get $write-and-share)))
      (if (i32.and (local.get $made) (i32.const 7))            ;; most are kept
        (then (br $again)))
      (i32.store (i32.const 0) (local.get $made))
      (drop (call $send (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 1) (i64.const 0)))
      (br $again))))
