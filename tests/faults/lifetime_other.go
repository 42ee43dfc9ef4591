//go:build !linux

package main

import "syscall"

// endWithParent does nothing where the kernel has no such way: a server may outlive a program that is killed outright.
func endWithParent(*syscall.SysProcAttr) {}
