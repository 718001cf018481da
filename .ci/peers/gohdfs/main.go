// Snapshots and extended attributes by colinmarc/hdfs. Prints each answer on a line.
package main

import (
	"fmt"
	"os"
	"sort"

	"github.com/colinmarc/hdfs/v2"
	"github.com/colinmarc/hdfs/v2/hadoopconf"
)

func main() {
	conf, err := hadoopconf.LoadFromEnvironment()
	if err != nil {
		panic(err)
	}
	as := func(user string) *hdfs.Client {
		options := hdfs.ClientOptionsFromConf(conf)
		options.User = user
		client, err := hdfs.NewClient(options)
		if err != nil {
			panic(err)
		}
		return client
	}
	snapshots(as(os.Args[1]), as("alice"))
	attributes(as(os.Args[1]), as("alice"))
}

func say(label string, answer any, err error) {
	if err != nil {
		answer = err
	}
	fmt.Println(label, "=", answer)
}

func snapshots(owner, other *hdfs.Client) {
	say("mkdir", "done", owner.MkdirAll("/go/d", 0755))
	say("allow", "done", owner.AllowSnapshots("/go"))
	say("allow by alice", "done", other.AllowSnapshots("/go"))
	name, err := owner.CreateSnapshot("/go", "s1")
	say("create", name, err)
	name, err = owner.CreateSnapshot("/go", "s1")
	say("create again", name, err)
	name, err = other.CreateSnapshot("/go", "s2")
	say("create by alice", name, err)
	say("remove", "done", owner.Remove("/go/d"))
	found, err := owner.ReadDir("/go/.snapshot/s1")
	say("list", len(found), err)
	_, err = owner.Stat("/go/.snapshot/s1/d")
	say("stat", "there", err)
	say("mkdir in a snapshot", "done", owner.Mkdir("/go/.snapshot/s1/e", 0755))
	say("disallow", "done", owner.DisallowSnapshots("/go"))
	say("delete by alice", "done", other.DeleteSnapshot("/go", "s1"))
	say("delete", "done", owner.DeleteSnapshot("/go", "s1"))
	say("delete again", "done", owner.DeleteSnapshot("/go", "s1"))
	say("disallow", "done", owner.DisallowSnapshots("/go"))
}

func attributes(owner, other *hdfs.Client) {
	list := func(label string, found map[string]string, err error) {
		lines := []string{}
		for key, value := range found {
			lines = append(lines, key+":"+value)
		}
		sort.Strings(lines)
		say(label, lines, err)
	}
	say("set", "done", owner.SetXAttr("/go", "user.a", "one"))
	say("set trusted", "done", owner.SetXAttr("/go", "trusted.b", "two"))
	say("set by alice", "done", other.SetXAttr("/go", "user.c", "three"))
	say("set without a name space", "done", owner.SetXAttr("/go", "none", "three"))
	found, err := owner.ListXAttrs("/go")
	list("list", found, err)
	found, err = other.ListXAttrs("/go")
	list("list by alice", found, err)
	found, err = owner.GetXAttrs("/go", "user.a")
	list("get", found, err)
	found, err = owner.GetXAttrs("/go", "user.none")
	list("get none", found, err)
	say("remove", "done", owner.RemoveXAttr("/go", "user.a"))
	say("remove again", "done", owner.RemoveXAttr("/go", "user.a"))
}
