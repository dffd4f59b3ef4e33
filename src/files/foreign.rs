//! Identification of files of another type than expected, by their first bytes.

/// Number of bytes examined.
const START: usize = 1024;

/// Identifies the types of files that are commonly mistaken for another: a Git LFS pointer, a web page, an archive. Returns
/// what the file is and what to do; `None` for any other start.
#[must_use]
pub fn foreign(start: &[u8]) -> Option<(&'static str, &'static str)> {
    let start = start.get(..START).unwrap_or(start);
    let text = start
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(start)
        .trim_ascii_start();
    let begins = |with: &[u8]| {
        let begin = text.get(..with.len());
        begin.is_some_and(|begin| begin.eq_ignore_ascii_case(with))
    };
    if begins(b"version https://git-lfs") {
        let help = "run `git lfs pull` in the cloned repository, or download the file itself";
        return Some(("a Git LFS pointer, not the file", help));
    }
    if [&b"<!doctype"[..], b"<html", b"<?xml", b"<head", b"<error"]
        .into_iter()
        .any(begins)
    {
        let help = "open it in a browser (it may be a login page), then download the file itself";
        return Some(("a web page, not the file", help));
    }
    let kinds: [(&[u8], &str, &str); 7] = [
        (
            b"PK\x03\x04",
            "a zip archive, as written by torch.save",
            "export it with safetensors.torch.save_file and the metadata of a sinew file",
        ),
        (
            b"\x80\x02",
            "a Python pickle",
            "export it with safetensors.torch.save_file and the metadata of a sinew file",
        ),
        (b"\x1f\x8b", "a gzip file", "unpack it first"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first"),
        (b"Rar!", "a RAR archive", "unpack it first"),
        (b"\xfd7zXZ", "an xz file", "unpack it first"),
        (
            b"\x89HDF\r\n\x1a\n",
            "an HDF5 file",
            "sinew reads safetensors",
        ),
    ];
    kinds
        .into_iter()
        .find(|(magic, ..)| start.starts_with(magic))
        .map(|(_, what, help)| (what, help))
}
