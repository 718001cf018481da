// Runs a task every six hours for eight days; prints "day DAY TASKS" every day.
package main

import (
	"fmt"
	"sync/atomic"
	"time"
)

func main() {
	var tasks atomic.Int32
	go func() {
		for range time.Tick(6 * time.Hour) {
			tasks.Add(1)
		}
	}()
	fmt.Println("ready")
	// Half an hour later than every fourth task.
	time.Sleep(30 * time.Minute)
	for day := 1; day <= 8; day++ {
		time.Sleep(24 * time.Hour)
		fmt.Println("day", day, tasks.Load())
	}
}
