//go:build gc

#include "textflag.h"

// func walk(seed, limit uint64) (hash uint64, last uintptr)
//
// As in fingerprint_amd64.s, which says why.
TEXT ·walk(SB), NOSPLIT|NOFRAME, $0-32
	MOVD	0(g), R1		// g.stack.lo
	MOVD	8(g), R2		// g.stack.hi
	SUB	$16, R2
	MOVD	R29, R3
	MOVD	seed+0(FP), R4
	MOVD	limit+8(FP), R5
	MOVD	$0, R6
	MOVD	$0x9E3779B97F4A7C15, R7

loop:
	CMP	R1, R3
	BLS	done
	CMP	R2, R3
	BHI	done
	MOVD	8(R3), R6		// return address
	MOVD	R3, R1
	MOVD	(R3), R3		// the caller's frame

	EOR	R6, R4
	UMULH	R7, R4, R8
	MUL	R7, R4
	EOR	R8, R4

	SUB	$1, R5
	CBNZ	R5, loop

done:
	MOVD	R4, hash+16(FP)
	MOVD	R6, last+24(FP)
	RET
