;; Logs lines of 4,000 bytes, control characters among them, without end.
(module
  (import "munal:log/log" "write" (func $log (param $text i32) (param $length i32)))
  (memory (export "memory") 1 1)
  (data (i32.const 0) "flood \1b[2J\0d\0a")
  (func (export "_start")
    (loop $again
      (call $log (i32.const 0) (i32.const 4000))
      (br $again))))
