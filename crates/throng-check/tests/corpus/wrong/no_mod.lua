-- forgot throng.mod -->
print("hello")
