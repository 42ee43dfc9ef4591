package main

import "syscall"

// endWithParent has the kernel end a process when the program that started it is killed outright.
func endWithParent(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGKILL }
