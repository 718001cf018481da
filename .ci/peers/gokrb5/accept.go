package main

import (
	"fmt"

	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/service"
	"github.com/jcmturner/gokrb5/v8/types"
)

// accept: with the ticket of a ccache it comes to a service whose keytab it has, and prints what that service learns of it.
func accept(conf *config.Config, cache, keytabFile, spn string) {
	cc, err := credentials.LoadCCache(cache)
	fail(err)
	c, err := client.NewFromCCache(cc, conf, client.DisablePAFXFAST(true))
	fail(err)
	ticket, key, err := c.GetServiceTicket(spn)
	fail(err)
	authenticator, err := types.NewAuthenticator(c.Credentials.Domain(), c.Credentials.CName())
	fail(err)
	request, err := messages.NewAPReq(ticket, key, authenticator)
	fail(err)
	k, err := keytab.Load(keytabFile)
	fail(err)
	ok, creds, err := service.VerifyAPREQ(&request, service.NewSettings(k))
	fail(err)
	fmt.Println("accepted", ok, creds.CName().PrincipalNameString()+"@"+creds.Domain())
	if _, found := creds.Attributes()[credentials.AttributeKeyADCredentials]; !found {
		fmt.Println("no PAC")
		return
	}
	ad := creds.GetADCredentials()
	fmt.Printf("name %q full %q\n", ad.EffectiveName, ad.FullName)
	fmt.Printf("domain %q %s server %q\n", ad.LogonDomainName, ad.LogonDomainID, ad.LogonServer)
	fmt.Printf("user %d primary group %d\n", ad.UserID, ad.PrimaryGroupID)
	fmt.Println("groups", ad.GroupMembershipSIDs)
}
