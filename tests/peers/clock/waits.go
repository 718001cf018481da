// Prints the wall clock, and the duration of each of Go's ways to wait for 300 ms, or for the
// milliseconds in WAIT_MS.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"
)

var wait = 300 * time.Millisecond

func init() {
	if millis, err := strconv.Atoi(os.Getenv("WAIT_MS")); err == nil {
		wait = time.Duration(millis) * time.Millisecond
	}
}

func measure(name string, run func()) {
	start := time.Now()
	run()
	fmt.Println(name, time.Since(start).Milliseconds())
}

func main() {
	fmt.Println("now", time.Now().Unix())
	measure("Sleep", func() { time.Sleep(wait) })
	measure("After", func() { <-time.After(wait) })
	measure("WithDeadline", func() {
		ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(wait))
		defer cancel()
		<-ctx.Done()
	})
	measure("SetDeadline", func() {
		listener, _ := net.Listen("tcp", "127.0.0.1:0")
		listener.(*net.TCPListener).SetDeadline(time.Now().Add(wait))
		listener.Accept()
	})
}
