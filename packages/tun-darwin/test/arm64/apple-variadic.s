// ioctl and fcntl as code for Apple's arm64 has them: the variadic argument lies on the stack, at what was sp when the
// function was entered. Made by `clang --target=arm64-apple-macos13 -O1 -S` (14.0.6) from the C below, then spelt for
// ELF: names without their underscore, without the directives of Mach-O. No instruction was changed.
//
//   int stored(int flags);
//   int kept(void);
//   int ioctl(int fd, unsigned long request, ...) {
//     va_list rest;
//     va_start(rest, request);
//     unsigned long argument = va_arg(rest, unsigned long);
//     va_end(rest);
//     return (int)((argument ^ request ^ (unsigned long)fd) & 0x7fffffff);
//   }
//   int fcntl(int fd, int command, ...) {
//     va_list rest;
//     va_start(rest, command);
//     long argument = va_arg(rest, long);
//     va_end(rest);
//     if (fd < 0) return -1;
//     return command == 4 ? stored((int)argument) : kept();
//   }
	.text
	.globl	ioctl
	.type	ioctl, %function
	.p2align	2
ioctl:
	sub	sp, sp, #16
	ldr	w8, [sp, #16]!
	eor	w8, w8, w1
	eor	w8, w8, w0
	and	w0, w8, #0x7fffffff
	ret

	.globl	fcntl
	.type	fcntl, %function
	.p2align	2
fcntl:
	sub	sp, sp, #32
	stp	x29, x30, [sp, #16]
	add	x29, sp, #16
	add	x8, x29, #16
	orr	x8, x8, #0x8
	str	x8, [sp, #8]
	tbnz	w0, #31, LBB1_3
	cmp	w1, #4
	b.ne	LBB1_4
	ldr	x0, [x29, #16]
	bl	stored
	b	LBB1_5
LBB1_3:
	mov	w0, #-1
	b	LBB1_5
LBB1_4:
	bl	kept
LBB1_5:
	ldp	x29, x30, [sp, #16]
	add	sp, sp, #32
	ret
	.section .note.GNU-stack,"",%progbits
