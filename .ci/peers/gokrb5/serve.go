package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/keytab"
)

// serve: a service that logs in from its keytab once, leaves its tickets to gokrb5, and gets a service ticket every hour.
// It prints "ready", a line when it is refused after an hour in which it was not, or the reverse, and at the end
// "tickets N refused N".
func serve(conf *config.Config, user, keytabFile, spn, hours string) {
	k, err := keytab.Load(keytabFile)
	fail(err)
	count, err := strconv.Atoi(hours)
	fail(err)
	c := client.NewWithKeytab(user, conf.LibDefaults.DefaultRealm, k, conf, client.DisablePAFXFAST(true))
	fail(c.Login())
	fmt.Println("ready")
	// Between the whole hours at which the test stops and starts the KDC.
	time.Sleep(30 * time.Minute)
	tickets, refused, last := 0, 0, true
	for hour := 1; hour <= count; hour++ {
		time.Sleep(time.Hour)
		_, _, err := c.GetServiceTicket(spn)
		if err == nil {
			tickets++
		} else {
			refused++
		}
		if last != (err == nil) {
			last = err == nil
			if last {
				fmt.Println("hour", hour, "served")
			} else {
				lines := strings.Split(err.Error(), "\n")
				fmt.Println("hour", hour, "refused", strings.Join(lines, " "))
			}
		}
	}
	fmt.Println("tickets", tickets, "refused", refused)
}
