// A service with a task for every six hours, which knows nothing of Kerbox. Ends after 8 days.
package main

import (
	"fmt"
	"time"
)

func main() {
	end := time.After(8*24*time.Hour + time.Minute)
	tasks := time.Tick(6 * time.Hour)
	fmt.Println("ready")
	for {
		select {
		case now := <-tasks:
			fmt.Println(now.UTC().Format(time.RFC3339), "refresh")
		case <-end:
			return
		}
	}
}
