// The number types of AssemblyScript, so that TypeScript reads the same files: to Bun every one of them is a number.
declare type i8 = number;
declare type u8 = number;
declare type i16 = number;
declare type u16 = number;
declare type i32 = number;
declare type u32 = number;
declare type usize = number;
